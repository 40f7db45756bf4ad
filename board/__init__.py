"""What is around the device: boards, cards, packages, images. Never installed on a device."""
