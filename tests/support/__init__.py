"""What tests of several kinds share: a project folder with an account of its own on the emulator."""
