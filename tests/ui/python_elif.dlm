let x = 3
if x > 2 {
    print "big"
} elif x > 1 {
    print "middle"
} else {
    print "small"
}
