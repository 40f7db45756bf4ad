"""A wake-word service for Home Assistant and satellites: audio comes in, detections go out.

Protocol: https://github.com/OHF-Voice/wyoming
"""
