namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor view(params long[] shape) => Ops.View.Call(this, shape);

        public Tensor reshape(params long[] shape) => Ops.Reshape.Call(this, shape);

        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Ops.Flatten.Call(this, start_dim, end_dim);

        public Tensor unsqueeze(long dim) => Ops.Unsqueeze.Call(this, dim);

        public Tensor squeeze(long? dim = null) => dim is { } given ? Ops.SqueezeDim.Call(this, given) : Ops.Squeeze.Call(this);

        public Tensor transpose(long dim0, long dim1) => Ops.Transpose.Call(this, dim0, dim1);

        public Tensor t() => Ops.T.Call(this);

        public Tensor permute(params long[] permutation) => Ops.Permute.Call(this, permutation);

        public Tensor expand(params long[] sizes) => Ops.Expand.Call(this, sizes);

        public Tensor expand_as(Tensor other) => expand(other.shape);

        public Tensor repeat(params long[] sizes) => Ops.Repeat.Call(this, sizes);

        public Tensor repeat_interleave(long repeats, long? dim = null) => Ops.RepeatInterleave.Call(this, repeats, dim);

        public Tensor narrow(long dim, long start, long length) => Ops.Narrow.Call(this, dim, start, length);

        public Tensor slice(long dim, long start, long finish, long step) => Ops.Slice.Call(this, dim, start, finish, step);

        public Tensor select(long dim, long index) => Ops.Select.Call(this, dim, index);

        public Tensor flip(params long[] dims) => Ops.Flip.Call(this, dims);

        public Tensor[] chunk(long chunks, long dim = 0) => Ops.Chunk.CallMany(checked((int)chunks), this, chunks, dim);

        public Tensor[] split(long size, long dim = 0) =>
            Ops.Split.CallMany(checked((int)((this.size(dim) + size - 1) / size) + 1), this, size, dim);

        public Tensor[] split(long[] sizes, long dim = 0) => Ops.SplitSizes.CallMany(sizes.Length, this, sizes, dim);

        public Tensor[] unbind(long dim = 0) => Ops.Unbind.CallMany(checked((int)size(dim)), this, dim);

        public Tensor tril(long diagonal = 0) => Ops.Tril.Call(this, diagonal);

        public Tensor triu(long diagonal = 0) => Ops.Triu.Call(this, diagonal);
    }
}
