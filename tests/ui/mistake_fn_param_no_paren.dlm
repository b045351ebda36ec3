fn f x { x }
layer g { x }
