namespace TorchSharp;

public static partial class torch
{
    // Every method here changes the tensor and returns it.
    public partial class Tensor
    {
        public Tensor add_(Tensor target) => Ops.AddInPlace.CallInPlace(this, target);

        public Tensor add_(Tensor target, Scalar alpha) => Ops.AddInPlace.CallInPlace(this, target, alpha);

        public Tensor add_(Scalar scalar) => Ops.AddScalarInPlace.CallInPlace(this, scalar);

        public Tensor sub_(Tensor target) => Ops.SubInPlace.CallInPlace(this, target);

        public Tensor sub_(Scalar scalar) => Ops.SubScalarInPlace.CallInPlace(this, scalar);

        public Tensor mul_(Tensor target) => Ops.MulInPlace.CallInPlace(this, target);

        public Tensor mul_(Scalar scalar) => Ops.MulScalarInPlace.CallInPlace(this, scalar);

        public Tensor div_(Tensor target) => Ops.DivInPlace.CallInPlace(this, target);

        public Tensor div_(Scalar target) => Ops.DivScalarInPlace.CallInPlace(this, target);

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Ops.Addcmul.CallInPlace(this, tensor1, tensor2, value);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Ops.Addcdiv.CallInPlace(this, tensor1, tensor2, value);

        public Tensor sqrt_() => Ops.SqrtInPlace.CallInPlace(this);

        public Tensor exp_() => Ops.ExpInPlace.CallInPlace(this);

        public Tensor sigmoid_() => Ops.SigmoidInPlace.CallInPlace(this);

        public Tensor relu_() => Ops.ReluInPlace.CallInPlace(this);

        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Ops.ClampInPlace.CallInPlace(this, min, max);

        public Tensor clamp_min_(Scalar min) => Ops.ClampMinInPlace.CallInPlace(this, min);

        public Tensor clamp_max_(Scalar max) => Ops.ClampMaxInPlace.CallInPlace(this, max);

        public Tensor copy_(Tensor source, bool non_blocking = false) => Ops.CopyInPlace.CallInPlace(this, source, non_blocking);

        public Tensor zero_() => Ops.ZeroInPlace.CallInPlace(this);

        public Tensor fill_(Scalar value) => Ops.FillInPlace.CallInPlace(this, value);

        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Ops.BernoulliInPlace.CallInPlace(this, p, generator);

        public Tensor uniform_(double from, double to, Generator? generator = null) => Ops.UniformInPlace.CallInPlace(this, from, to, generator);

        public Tensor normal_(double mean = 0, double stddev = 1, Generator? generator = null) =>
            Ops.NormalInPlace.CallInPlace(this, mean, stddev, generator);
    }
}
