namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor eq(Tensor target) => Ops.Eq.Call(this, target);

        public Tensor eq(Scalar target) => Ops.EqScalar.Call(this, target);

        public Tensor ne(Tensor target) => Ops.Ne.Call(this, target);

        public Tensor ne(Scalar target) => Ops.NeScalar.Call(this, target);

        public Tensor lt(Tensor target) => Ops.Lt.Call(this, target);

        public Tensor lt(Scalar target) => Ops.LtScalar.Call(this, target);

        public Tensor le(Tensor target) => Ops.Le.Call(this, target);

        public Tensor le(Scalar target) => Ops.LeScalar.Call(this, target);

        public Tensor gt(Tensor target) => Ops.Gt.Call(this, target);

        public Tensor gt(Scalar target) => Ops.GtScalar.Call(this, target);

        public Tensor ge(Tensor target) => Ops.Ge.Call(this, target);

        public Tensor ge(Scalar target) => Ops.GeScalar.Call(this, target);

        public Tensor logical_and(Tensor other) => Ops.LogicalAnd.Call(this, other);

        public Tensor logical_or(Tensor other) => Ops.LogicalOr.Call(this, other);

        public Tensor logical_not() => Ops.LogicalNot.Call(this);

        public Tensor isnan() => Ops.Isnan.Call(this);

        public Tensor isinf() => Ops.Isinf.Call(this);

        public Tensor isfinite() => Ops.Isfinite.Call(this);

        /// <summary>Whether shapes and all elements are equal, as one boolean element.</summary>
        public Tensor equal(Tensor target) => tensor(Ops.Equal.CallScalar(this, target).ToBoolean());

        public Tensor any() => Ops.Any.Call(this);

        public Tensor all() => Ops.All.Call(this);

        public Tensor where(Tensor condition, Tensor y) => Ops.Where.Call(condition, this, y);
    }
}
