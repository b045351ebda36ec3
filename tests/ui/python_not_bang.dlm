let ready = true
if !ready { print "no" }
if ready && true { print "yes" }
