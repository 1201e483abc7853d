//! The installation file `helpline.yaml`, parsed into checked settings.
