from quietcore.plugins.libvirt.__main__ import main

main()
