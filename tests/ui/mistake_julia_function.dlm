function square(x)
    x * x
end
print square(2.0)
