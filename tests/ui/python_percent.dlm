let loss = 0.5
print "loss %f" % loss
