import "nowhere.dlm"
print 1
