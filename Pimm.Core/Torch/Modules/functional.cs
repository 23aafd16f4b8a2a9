namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>How a loss over many elements becomes one number. Numbered as in libtorch.</summary>
        public enum Reduction
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static class functional
        {
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => Ops.Linear.Call(input, weights, bias);

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_() : x.relu();

            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01) => Ops.LeakyRelu.Call(input, negative_slope);

            public static Tensor gelu(Tensor x) => Ops.Gelu.Call(x);

            public static Tensor sigmoid(Tensor x) => x.sigmoid();

            public static Tensor tanh(Tensor x) => x.tanh();

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor input, long dim, ScalarType? dtype = null) => input.log_softmax(dim, dtype);

            /// <summary>log(sigmoid(x)), without the loss of digits that writing it so would bring.</summary>
            public static Tensor logsigmoid(Tensor x) => Ops.LogSigmoid.Call(x);

            /// <summary>log(1 + exp(βx))/β; above the threshold the line x itself.</summary>
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => Ops.Softplus.Call(x, beta, threshold);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                inplace ? Ops.DropoutInPlace.CallInPlace(input, p, training) : Ops.Dropout.Call(input, p, training);

            public static Tensor embedding(Tensor input, Tensor weight, long? padding_idx = null) => Ops.Embedding.Call(weight, input, padding_idx ?? -1);

            public static Tensor one_hot(Tensor x, long num_classes = -1) => Ops.OneHot.Call(x, num_classes);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) =>
                Ops.LayerNorm.Call(input, normalized_shape, weight, bias, eps, false);

            /// <summary>Log loss from logits, stable for any size of them.</summary>
            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) =>
                Ops.BceWithLogits.Call(input, target, weight, pos_weights, (long)reduction);

            /// <summary>Log loss from probabilities; their logarithms are cut at −100.</summary>
            public static Tensor binary_cross_entropy(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) =>
                Ops.Bce.Call(input, target, weight, (long)reduction);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) =>
                Ops.MseLoss.Call(input, target, (long)reduction);
        }
    }
}
