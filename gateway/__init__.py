"""Who is answered: the stream over HTTP, and the page that shows it."""
