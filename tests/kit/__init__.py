"""What the tests of several rooms share: journals written by hand, files made to order, judges of answers."""
