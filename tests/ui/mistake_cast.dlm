let x = [1.7, 2.3]
print int(x), float(x), x.float(), x as i32
