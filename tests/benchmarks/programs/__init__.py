"""What is measured: each program runs alone, in the environment of what it uses, and prints its own figures."""
