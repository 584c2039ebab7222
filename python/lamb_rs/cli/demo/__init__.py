"""The command ``demo``: SGD, AdamW and LAMB at a large batch."""
