let x = 3
if x > 2 then print "big"
