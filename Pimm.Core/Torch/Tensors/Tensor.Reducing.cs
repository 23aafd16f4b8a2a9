using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    // sum(0) must mean dimension 0; without a priority the literal 0 would convert to the enumeration of types.
    public partial class Tensor
    {
        public Tensor sum(ScalarType? type = null) => Ops.Sum.Call(this, type);

        [OverloadResolutionPriority(1)]
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => Ops.SumDim.Call(this, new[] { dim }, keepdim, type);

        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => Ops.SumDim.Call(this, dim, keepdim, type);

        public Tensor mean(ScalarType? type = null) => Ops.Mean.Call(this, type);

        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Ops.MeanDim.Call(this, dimensions, keepdim, type);

        public Tensor prod(ScalarType? type = null) => Ops.Prod.Call(this, type);

        [OverloadResolutionPriority(1)]
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => Ops.ProdDim.Call(this, dim, keepdim, type);

        public Tensor cumsum(long dim, ScalarType? type = null) => Ops.Cumsum.Call(this, dim, type);

        public Tensor cumprod(long dim, ScalarType? type = null) => Ops.Cumprod.Call(this, dim, type);

        public Tensor std(bool unbiased = true) => Ops.Std.Call(this, unbiased);

        public Tensor std(long dim, bool unbiased = true, bool keepdim = false) => Ops.StdDim.Call(this, new[] { dim }, unbiased, keepdim);

        public Tensor var(bool unbiased = true) => Ops.Var.Call(this, unbiased);

        public Tensor var(long dim, bool unbiased = true, bool keepdim = false) => Ops.VarDim.Call(this, new[] { dim }, unbiased, keepdim);

        public Tensor max() => Ops.Max.Call(this);

        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Pair(Ops.MaxDim.CallMany(2, this, dim, keepdim));

        public Tensor min() => Ops.Min.Call(this);

        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Pair(Ops.MinDim.CallMany(2, this, dim, keepdim));

        public Tensor argmax() => Ops.Argmax.Call(this);

        public Tensor argmax(long dim, bool keepdim = false) => Ops.Argmax.Call(this, dim, keepdim);

        public Tensor argmin() => Ops.Argmin.Call(this);

        public Tensor argmin(long dim, bool keepdim = false) => Ops.Argmin.Call(this, dim, keepdim);

        public Tensor norm(float p = 2) => Ops.Norm.Call(this, (double)p);

        public Tensor norm(int dim, bool keepdim = false, float p = 2) => Ops.NormDim.Call(this, (double)p, new[] { (long)dim }, keepdim);

        public Tensor logsumexp(long dim, bool keepdim = false) => Ops.LogSumExp.Call(this, new[] { dim }, keepdim);
    }
}
