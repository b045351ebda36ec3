let mask = None
print mask
