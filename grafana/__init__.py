"""What SRE and finance watch."""
