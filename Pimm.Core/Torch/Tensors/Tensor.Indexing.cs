namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor index_select(long dim, Tensor index) => Ops.IndexSelect.Call(this, dim, index);

        public Tensor gather(long dim, Tensor index) => Ops.Gather.Call(this, dim, index);

        public Tensor masked_select(Tensor mask) => Ops.MaskedSelect.Call(this, mask);

        public Tensor masked_fill(Tensor mask, Scalar value) => Ops.MaskedFill.Call(this, mask, value);

        public Tensor masked_fill_(Tensor mask, Scalar value) => Ops.MaskedFillInPlace.CallInPlace(this, mask, value);

        public Tensor nonzero() => Ops.Nonzero.Call(this);

        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Ops.IndexAdd.Call(this, dim, index, source, alpha);

        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) =>
            Ops.IndexAddInPlace.CallInPlace(this, dim, index, source, alpha);

        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Ops.IndexCopyInPlace.CallInPlace(this, dim, index, source);

        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Ops.IndexFillInPlace.CallInPlace(this, dim, index, value);

        public Tensor scatter_(long dim, Tensor index, Tensor src) => Ops.ScatterInPlace.CallInPlace(this, dim, index, src);

        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Ops.ScatterAdd.Call(this, dim, index, src);

        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Ops.ScatterAddInPlace.CallInPlace(this, dim, index, src);

        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) =>
            Pair(Ops.Topk.CallMany(2, this, (long)k, (long)dim, largest, sorted));

        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false) =>
            Pair(Ops.Sort.CallMany(2, this, dim, descending));

        public Tensor argsort(long dim = -1, bool descending = false) => Ops.Argsort.Call(this, dim, descending);

        /// <summary>The distinct elements; on request where each element went, and how often each occurs (null otherwise).</summary>
        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false)
        {
            var found = Ops.Unique.CallMany(3, this, sorted, return_inverse, return_counts);
            return (found[0], Wanted(found[1], return_inverse), Wanted(found[2], return_counts));
        }

        private static (Tensor, Tensor) Pair(Tensor[] pair) => (pair[0], pair[1]);

        private static Tensor? Wanted(Tensor tensor, bool wanted)
        {
            if (wanted)
                return tensor;
            tensor.Dispose();
            return null;
        }
    }
}
