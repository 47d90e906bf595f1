// How models are called.

function kindOf(architecture) {
  return { rnn: "vanilla RNN", lstm: "LSTM", gru: "GRU", window: "fixed window", transformer: "Transformer" }[architecture]
    || architecture;
}

function weightsOf(count) {
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} million weights` : `${count.toLocaleString("en")} weights`;
}
