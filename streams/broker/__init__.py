"""Apache Kafka of our own, for tests, the demo and laptops."""
