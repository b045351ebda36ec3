let m = multi_head_attention(2)
print m(zeros[2, 5, 8], mask = ones[2, 5])
