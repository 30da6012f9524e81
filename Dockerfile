# Headwater in one image: worker, gateway and every command.
#
#   docker build --build-arg TORCH_INDEX=https://… -t headwater .
#
# TORCH_INDEX: a package index with CPU builds of PyTorch.  Without it pip takes the build with CUDA,
# which makes the image 5 GB larger and no slate faster.
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/headwater
ENV PATH=/opt/headwater/bin:$PATH HNSWLIB_NO_NATIVE=1
WORKDIR /src
ARG TORCH_INDEX=""
COPY pyproject.toml constraints.txt README.md ./
RUN if [ -n "$TORCH_INDEX" ]; then pip install --no-cache-dir --index-url "$TORCH_INDEX" torch; fi
COPY streams streams
COPY indexes indexes
COPY slates slates
COPY agents agents
COPY gateway gateway
COPY evaluation evaluation
COPY examples examples
# A CPU build has a version of its own, so the pin of torch must not undo it.
RUN grep -v '^torch==' constraints.txt > pins.txt \
 && pip install --no-cache-dir --constraint pins.txt . \
 && pip freeze > /opt/headwater/packages.txt

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /srv/headwater headwater \
 && install -d -o headwater -m 0700 /var/lib/headwater
COPY --from=build /opt/headwater /opt/headwater
ENV PATH=/opt/headwater/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HEADWATER_STATE_DIR=/var/lib/headwater
USER headwater
WORKDIR /srv/headwater
VOLUME /var/lib/headwater
ENTRYPOINT ["headwater"]
CMD ["worker"]
