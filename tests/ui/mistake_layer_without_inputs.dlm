layer net {
    dense(10)
}
