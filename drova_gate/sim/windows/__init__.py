"""The model of a Windows PC: volumes, registry, processes, services, firewall, Shadow Defender, console programs."""
