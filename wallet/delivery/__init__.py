"""From a change to the phones: providers, what is to be told, waves over whole programmes."""
