//! Whole random programs: layers, losses, optimizers, batches, scans, loops; the same text for the same seed, on every machine.
//!
//! They train for a few steps on `points.csv` ([`points`], three features and a class) or on random tensors, and print what they end with.
use super::numbers::Numbers;
use std::fmt::Write;

/// The table that the programs read: 96 points of two classes.
pub fn points() -> String {
    let mut numbers = Numbers::new(7);
    let mut text = String::from("a,b,c,class\n");
    for at in 0..96 {
        let class = at % 2;
        let mut value = || numbers.uniform(0.0, 1.0) + 0.3 * f64::from(class);
        let (a, b, c) = (value(), value(), value());
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{a:.4},{b:.4},{c:.4},k{class}");
    }
    text
}

/// The program of a seed.
pub fn program(seed: u64) -> String {
    let mut numbers = Numbers::new(seed.wrapping_add(1000));
    // The first numbers of neighbouring seeds are alike.
    for _ in 0..8 {
        numbers.uniform(0.0, 1.0);
    }
    Writer { numbers }.program()
}

struct Writer {
    numbers: Numbers,
}

/// What a model is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    /// Two logits for each row, against a class.
    Classes,
    /// One number for each row, against a number.
    Number,
}

impl Writer {
    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices
            .get(self.numbers.below(choices.len()))
            .copied()
            .unwrap_or("")
    }

    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.numbers.below(high - low + 1)
    }

    fn program(mut self) -> String {
        let task = if self.numbers.chance(0.6) {
            Task::Classes
        } else {
            Task::Number
        };
        let mut text = String::from(
            "let set = csv(\"points.csv\") |> target(\"class\") |> standardize |> split(train = 0.75, seed = 1)\n",
        );
        text += &self.model(task);
        text += "let net = model()\n";
        let optimizer = self.optimizer();
        text += &match (task, self.numbers.below(4)) {
            (Task::Classes, 0 | 1) => self.train(&optimizer),
            (Task::Classes, 2) => self.batches(&optimizer),
            (Task::Classes, _) => self.whole(
                &optimizer,
                "set.train.x",
                "cross_entropy(net(set.train.x), set.train.y)",
            ),
            (Task::Number, 0) => self.until(&optimizer),
            (Task::Number, 1) => self.rounds(&optimizer),
            (Task::Number, _) => {
                let loss = self.loss();
                self.whole(&optimizer, "normal[9, 3]", &loss)
            }
        };
        if task == Task::Classes {
            text += "print \"accuracy {evaluate(net, set.test, accuracy)}\"\n";
        }
        text += "print net(set.test.x)\n";
        text
    }

    /// The layer `model`, of rows of three numbers.
    fn model(&mut self, task: Task) -> String {
        let (width, units) = match task {
            Task::Classes => (2, self.between(2, 9)),
            Task::Number => (1, self.between(2, 9)),
        };
        let mut body = String::from("    let h = x");
        let front = self.front(units);
        body += &front;
        for _ in 0..self.between(0, 3) {
            body += &self.middle();
        }
        let mut text = String::new();
        if self.numbers.chance(0.3) {
            // Weights written out, and index notation.
            text += "layer gate(units)(x: [n, d]) -> [n, units] {\n    param V: [d, units] = glorot_uniform\n    param c: [units] = zeros\n";
            text += "    let y[a, u] = c[u] + sum[k] x[a, k] * V[k, u]\n    let z[a, u] = y[a, u] / (1 + abs(y[a, u]))\n    z\n}\n";
            let _ = write!(body, " |> gate({})", self.between(2, 6));
        }
        let (own, front) = self.recurrence();
        text += &own;
        body += &front;
        let _ = writeln!(
            text,
            "layer model(x: [n, d]) -> [n, {width}] {{\n{body}\n    h |> dense({width})\n}}"
        );
        text
    }

    /// The first layers, which may see the three numbers as steps in time or as a line of pixels.
    fn front(&mut self, units: usize) -> String {
        let cell = self.pick(&["rnn", "lstm", "gru"]);
        let over = self.pick(&["mean_over_time", "max_over_time", "last_over_time"]);
        match self.numbers.below(8) {
            0 => format!(" |> reshape([n, d, 1]) |> {cell}({units}) |> {over}"),
            1 => format!(
                " |> reshape([n, d, 1]) |> bidirectional(gru({units}), gru({units}, reverse = true)) |> {over}"
            ),
            2 => format!(
                " |> reshape([n, 1, d]) |> conv1d({units}, kernel = 2, padding = 1) |> relu |> flatten"
            ),
            3 => format!(
                " |> reshape([n, d, 1]) |> dense(4) |> multi_head_attention(2) |> layer_norm |> {over}"
            ),
            4 => format!(
                " |> dense(16) |> reshape([n, 1, 4, 4]) |> conv2d({units}, kernel = 3, padding = 1) |> batch_norm |> relu |> max_pool(2) |> flatten"
            ),
            _ => format!(" |> dense({units})"),
        }
    }

    fn middle(&mut self) -> String {
        let units = self.between(2, 12);
        match self.numbers.below(10) {
            0 => " |> batch_norm".into(),
            1 => " |> layer_norm".into(),
            2 => " |> dropout(0.25)".into(),
            3 => " |> prelu".into(),
            4 | 5 => format!(" |> dense({units})"),
            _ => {
                let names = [
                    "relu",
                    "tanh",
                    "sigmoid",
                    "gelu",
                    "silu",
                    "elu",
                    "softplus",
                    "softmax",
                    "leaky_relu",
                    "mish",
                ];
                format!(" |> {}", self.pick(&names))
            }
        }
    }

    /// A scan of one's own, in some programs.
    fn recurrence(&mut self) -> (String, String) {
        if !self.numbers.chance(0.25) {
            return (String::new(), String::new());
        }
        let turns = self.between(2, 6);
        let text = format!(
            "layer settle(x: [n, d]) -> [n, d] {{\n    param A: [d, d] = orthogonal\n    let path = scan i in 0..{turns}, z = x {{ tanh(z @ A + x) }}\n    path[{}, :, :]\n}}\n",
            turns - 1
        );
        (text, " |> settle".into())
    }

    fn optimizer(&mut self) -> String {
        let rate = self.pick(&["0.01", "0.02", "0.003"]);
        let rate = match self.numbers.below(5) {
            0 => format!("cosine({rate}, steps = 20)"),
            1 => format!("exponential({rate}, factor = 0.5, steps = 10)"),
            2 => format!("step_decay({rate}, steps = 8)"),
            _ => rate.to_string(),
        };
        match self.numbers.below(8) {
            0 => format!("momentum(lr = {rate}, mu = 0.9)"),
            1 => format!("nesterov(lr = {rate}, weight_decay = 0.01)"),
            2 => format!("adamw(lr = {rate})"),
            3 => format!("rmsprop(lr = {rate})"),
            4 => format!("adagrad(lr = {rate})"),
            5 => format!("sgd(lr = {rate})"),
            _ => format!("adam(lr = {rate})"),
        }
    }

    /// A loss of the model on nine random rows, whose target is a formula of them.
    fn loss(&mut self) -> String {
        let loss = self.pick(&["mse", "mae", "huber", "half_mse"]);
        let weights = match self.numbers.below(3) {
            0 => " + 0.01 * mean(net(x) ^ 2)",
            _ => "",
        };
        format!("{loss}(net(x), t){weights}")
    }

    fn train(&mut self, optimizer: &str) -> String {
        let loss = self.pick(&[
            "cross_entropy",
            "fn (p, t) { cross_entropy(p, t, smoothing = 0.1) }",
        ]);
        let mut text =
            format!("train net on set.train {{\n    loss = {loss}\n    optimizer = {optimizer}\n");
        let _ = writeln!(
            text,
            "    epochs = {}\n    batch = {}",
            self.between(1, 4),
            self.between(5, 30)
        );
        let options = [
            "    shuffle = true\n    seed = 3\n",
            "    clip_norm = 1.0\n",
            "    accumulate = 2\n",
            "    validate = set.test\n    metrics = [accuracy]\n",
        ];
        for option in options {
            if self.numbers.chance(0.4) {
                text += option;
            }
        }
        text + "}\n"
    }

    fn batches(&mut self, optimizer: &str) -> String {
        let (size, rounds) = (self.between(5, 30), self.between(1, 4));
        let shuffle = self.pick(&["", ", shuffle = true"]);
        format!(
            "for round in 1..={rounds} {{\n    for b in set.train |> batches({size}{shuffle}) {{\n        minimize cross_entropy(net(b.x), b.y) with {optimizer}\n    }}\n    print \"round {{round}}: {{evaluate(net, set.test, accuracy)}}\"\n}}\n"
        )
    }

    /// Steps with nothing between.
    fn whole(&mut self, optimizer: &str, rows: &str, loss: &str) -> String {
        let steps = self.between(3, 30);
        let target = if loss.contains("net(x)") {
            "    let t[a, u < 1] = x[a, 0] * x[a, 1] - x[a, 2] + 0.1 * f32(u)\n"
        } else {
            ""
        };
        format!(
            "repeat {steps} {{\n    let x = {rows}\n{target}    minimize {loss} with {optimizer}\n}}\n"
        )
    }

    fn until(&mut self, optimizer: &str) -> String {
        let steps = self.between(5, 30);
        format!(
            "let x = uniform[10, 3]\nlet t = reshape(x @ [1, -2, 0.5], [10, 1])\nrepeat until loss < 1e-6, at most {steps} {{\n    let loss = minimize mse(net(x), t) with {optimizer}\n}}\n"
        )
    }

    /// Loops of loops with printing between, and a gradient of one's own.
    fn rounds(&mut self, optimizer: &str) -> String {
        let (rounds, steps) = (self.between(1, 4), self.between(2, 9));
        format!(
            "layer shift(x: [n, d]) -> [n, d] {{\n    param s: [d] = zeros\n    x + s\n}}\nlet f = shift()\nfor round in 1..={rounds} {{\n    repeat {steps} {{\n        let x = normal[8, 3]\n        let t = reshape(sum(x, over = 1), [8, 1])\n        minimize mse(net(f(x)), t) over net with {optimizer}\n        f.s = f.s - 0.01 * grad(mse(net(f(x)), t), f.s)\n    }}\n    print \"round {{round}}: {{f.s}}\"\n}}\n"
        )
    }
}
