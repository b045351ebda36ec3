let x = 3
if x > 4 {
    print "a"
}
elseif x > 2 {
    print "b"
}
