let m = multi_head_attention()
print m(zeros[2, 5, 8])
