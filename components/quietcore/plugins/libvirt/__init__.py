"""The libvirt plugin: domains, networks, pools, volumes and seed images behind the pulumi_libvirt tokens."""
