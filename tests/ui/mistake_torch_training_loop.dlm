let net = dense(1)
let x = zeros[4, 3]
let y = zeros[4, 1]
optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
for epoch in range(10):
    optimizer.zero_grad()
    loss = mse(net(x), y)
    loss.backward()
    optimizer.step()
    print(f"loss {loss.item():.4f}")
