"""Software bills of materials: what of others lands on a device."""
