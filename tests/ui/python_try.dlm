try:
    load net from "w.npz"
except:
    print "no file"
