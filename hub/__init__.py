"""The embedded integration platform: admin API, store, delivery, channels, simulator. Imported by no other package
but the commands that serve, seed, back up and demo it."""
