let x = 3
if x in [1, 2, 3] {
    print "in"
}
