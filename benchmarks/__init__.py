"""What Headwater is measured with, and the Apache Kafka it is measured on."""
