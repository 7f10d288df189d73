"""What engine and agent share: verbs, frames, structs, domain XML. Pure: no sockets, no libvirt, no database."""
