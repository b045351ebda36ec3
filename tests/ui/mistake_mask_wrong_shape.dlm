let m = multi_head_attention(2)
let mask = ones[2, 6] > 0
print m(zeros[2, 5, 8], mask = mask)
