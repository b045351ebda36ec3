layer net(x: [n, d]) -> [n, 10] {
    self.fc = dense(10)
    self.fc(x)
}
let m = net()
print m(zeros[2, 3])
