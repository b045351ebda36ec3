let model = dense(64) |> relu |> dense(10)
print model(zeros[2, 8])
