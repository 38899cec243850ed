"""Published data layouts on disk to cases on one voxel grid."""
