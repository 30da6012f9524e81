#!/bin/sh
# Makes an authority and the broker's certificate in the folder $1, once; only the JDK's keytool is needed.
# ca.pem is for clients; kafka.p12 for the broker; the authority's own key is thrown away.
set -eu
folder=$1 password=$2
[ ! -f "$folder/ca.pem" ] || exit 0
cd "$folder"
rm -f authority.p12 kafka.p12 kafka.pem
tool() { keytool "$@" -storepass "$password" -noprompt; }
tool -genkeypair -alias authority -keystore authority.p12 -keyalg EC -groupname secp256r1 \
  -dname CN=headwater-authority -validity 3650 -ext bc:c=ca:true -ext ku:c=keyCertSign
tool -genkeypair -alias kafka -keystore kafka.p12 -keyalg EC -groupname secp256r1 \
  -dname CN=kafka -validity 3650
tool -certreq -alias kafka -keystore kafka.p12 \
  | tool -gencert -alias authority -keystore authority.p12 -validity 3650 -rfc \
      -ext ku:c=digitalSignature -ext eku=serverAuth \
      -ext san=dns:kafka,dns:localhost,ip:127.0.0.1 >kafka.pem
tool -exportcert -alias authority -keystore authority.p12 -rfc >ca.part
tool -importcert -alias authority -keystore kafka.p12 -file ca.part
tool -importcert -alias kafka -keystore kafka.p12 -file kafka.pem
rm authority.p12 kafka.pem
chmod 444 kafka.p12 ca.part
mv ca.part ca.pem
