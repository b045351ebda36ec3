let att = uniform[2, 4, 4]
att[:, :, 0] = 0
print att
