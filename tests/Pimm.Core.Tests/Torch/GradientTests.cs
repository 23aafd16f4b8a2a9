using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

public sealed class GradientTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator generator = new(7);

    /// <summary>Each operator with gradients that Pimm's networks or losses use.</summary>
    private static readonly Dictionary<string, Func<GradientTests, (Func<Tensor[], Tensor>, Tensor[])>> Operators = new()
    {
        ["add"] = t => (x => x[0] + x[1], [t.Some(2, 3), t.Some(3)]),
        ["add a number"] = t => (x => 2 + x[0] + 1.5, [t.Some(2, 3)]),
        ["sub"] = t => (x => 1 - (x[0] - x[1]) - 2, [t.Some(2, 3), t.Some(2, 1)]),
        ["mul"] = t => (x => 3 * x[0] * x[1] * 0.5, [t.Some(2, 3), t.Some(2, 3)]),
        ["div"] = t => (x => 2 / (x[0] / x[1]) / 3, [t.Positive(2, 3), t.Positive(2, 3)]),
        ["neg, abs, square"] = t => (x => (-x[0]).abs() + x[0].square(), [t.Some(2, 3)]),
        ["pow"] = t => (x => x[0].pow(3) + x[0].pow(x[1]), [t.Positive(2, 3), t.Positive(2, 3)]),
        ["exp, log"] = t => (x => x[0].exp() + x[0].log() + x[0].log1p() + x[0].expm1(), [t.Positive(2, 3)]),
        ["sqrt, rsqrt, reciprocal"] = t => (x => x[0].sqrt() + x[0].rsqrt() + x[0].reciprocal(), [t.Positive(2, 3)]),
        ["sigmoid, tanh, relu, erf"] = t => (x => x[0].sigmoid() + x[0].tanh() + x[0].relu() + x[0].erf(), [t.Some(2, 3)]),
        ["leaky_relu, gelu"] = t => (x => functional.leaky_relu(x[0]) + functional.gelu(x[0]), [t.Some(2, 3)]),
        ["softmax"] = t => (x => x[0].softmax(1), [t.Some(2, 3)]),
        ["log_softmax"] = t => (x => x[0].log_softmax(-1), [t.Some(2, 3)]),
        ["logsigmoid, softplus"] = t => (x => functional.logsigmoid(x[0]) + functional.softplus(x[0]), [t.Some(2, 3)]),
        ["clamp"] = t => (x => x[0].clamp(-0.5, 0.5) + x[0].clamp_min(0.1) + x[0].clamp_max(0.2), [t.Some(2, 3)]),
        ["maximum, minimum"] = t => (x => x[0].maximum(x[1]) * 2 + x[0].minimum(x[1]), [t.Some(2, 3), t.Some(2, 3)]),
        ["logaddexp"] = t => (x => logaddexp(x[0], x[1]), [t.Some(2, 3), t.Some(2, 3)]),
        ["where"] = t => (x => where(t.labels > 0, x[0], x[1]), [t.Some(2, 3), t.Some(2, 3)]),
        ["matmul"] = t => (x => x[0].matmul(x[1]), [t.Some(2, 3), t.Some(3, 4)]),
        ["bmm"] = t => (x => bmm(x[0], x[1]), [t.Some(2, 3, 4), t.Some(2, 4, 2)]),
        ["baddbmm"] = t => (x => baddbmm(x[0], x[1], x[2], 0.5f, 2), [t.Some(2, 3, 2), t.Some(2, 3, 4), t.Some(2, 4, 2)]),
        ["addmm"] = t => (x => addmm(x[0], x[1], x[2], 2, 0.5f), [t.Some(3), t.Some(2, 4), t.Some(4, 3)]),
        ["einsum"] = t => (x => einsum("bte,bek->btk", x[0], x[1]), [t.Some(2, 3, 4), t.Some(2, 4, 2)]),
        ["dot, norm"] = t => (x => x[0].dot(x[1]) + x[0].norm(), [t.Some(4), t.Some(4)]),
        ["linear"] = t => (x => functional.linear(x[0], x[1], x[2]), [t.Some(2, 3), t.Some(4, 3), t.Some(4)]),
        ["cat, stack"] = t => (x => cat([x[0], x[1]], 1).sum() + stack([x[0], x[1]], 1), [t.Some(2, 3), t.Some(2, 3)]),
        ["view, reshape, flatten"] = t => (x => x[0].view(3, 2).reshape(6).flatten(), [t.Some(2, 3)]),
        ["unsqueeze, squeeze, expand"] = t => (x => x[0].unsqueeze(1).expand(2, 4, 3).squeeze(), [t.Some(2, 3)]),
        ["transpose, permute, t"] = t => (x => x[0].transpose(0, 1).permute(1, 0).t(), [t.Some(2, 3)]),
        ["narrow, slice, select"] = t => (x => x[0].narrow(1, 1, 2).slice(1, 0, 2, 1).sum() + x[0].select(0, 1), [t.Some(2, 3)]),
        ["indexer"] = t => (x => x[0][.., 1..3].sum(1) + x[0][TensorIndex.Ellipsis, 0], [t.Some(2, 3)]),
        ["repeat, flip"] = t => (x => x[0].repeat(2, 1).flip(0), [t.Some(2, 3)]),
        ["chunk, split, unbind"] = t => (x => x[0].chunk(2, 1)[1].sum() + x[0].split(1, 0)[0] * x[0].unbind(0)[1], [t.Some(2, 4)]),
        ["index_select"] = t => (x => x[0].index_select(0, tensor(new long[] { 1, 0, 1 })), [t.Some(2, 3)]),
        ["gather"] = t => (x => x[0].gather(1, tensor(new long[] { 2, 0, 0, 1 }, [2, 2])), [t.Some(2, 3)]),
        ["index_add, scatter_add"] = t => (x => x[0].index_add(0, tensor(new long[] { 1, 1 }), x[1], 2) + x[0].scatter_add(1, zeros(2, 3, ScalarType.Int64), x[1]), [t.Some(2, 3), t.Some(2, 3)]),
        ["masked_select, masked_fill"] = t => (x => x[0].masked_select(x[0] > 0).sum() + x[0].masked_fill(x[0] > 0, 2), [t.Some(2, 3)]),
        ["index by positions"] = t => (x => x[0][tensor(new long[] { 1, 0, 1 })], [t.Some(2, 3)]),
        ["sum, mean"] = t => (x => x[0].sum(1) + x[0].mean([1L]) + x[0].sum() + x[0].mean(), [t.Some(2, 3)]),
        ["prod, cumprod, cumsum"] = t => (x => x[0].prod(1, keepdim: true) + x[0].cumprod(1) + x[0].cumsum(0), [t.Some(2, 3)]),
        ["std, var, logsumexp"] = t => (x => x[0].std(1) + x[0].var(1) + x[0].logsumexp(1), [t.Some(2, 3)]),
        ["max, min, topk, sort"] = t => (x => x[0].max(1).values + x[0].min() + x[0].topk(1).values.squeeze() + x[0].sort(1).Values.sum(), [t.Some(2, 3)]),
        ["layer_norm"] = t => (x => functional.layer_norm(x[0], [3], x[1], x[2]), [t.Some(2, 3), t.Some(3), t.Some(3)]),
        ["mse_loss"] = t => (x => functional.mse_loss(x[0], x[1]), [t.Some(2, 3), t.Some(2, 3)]),
        ["log loss with logits"] = t => (x => functional.binary_cross_entropy_with_logits(x[0], t.labels, t.weights, Reduction.Sum, t.weights), [t.Some(2, 3)]),
        ["log loss"] = t => (x => functional.binary_cross_entropy(x[0].sigmoid(), t.labels, reduction: Reduction.None), [t.Some(2, 3)]),
        ["double after float"] = t => (x => x[0].to(float64).clone().contiguous() * 2, [t.Some(2, 3)]),
    };

    private readonly Tensor labels;
    private readonly Tensor weights;

    public GradientTests()
    {
        labels = tensor(new double[] { 0, 1, 1, 0, 0, 1 }, [2, 3]);
        weights = tensor(new[] { 0.5, 1, 2 });
    }

    public static TheoryData<string> OperatorNames => [.. Operators.Keys];

    public void Dispose()
    {
        generator.Dispose();
        scope.Dispose();
    }

    [Theory]
    [MemberData(nameof(OperatorNames))]
    public void Gradients_of_operators_are_those_of_finite_differences(string name)
    {
        var (function, inputs) = Operators[name](this);

        FiniteDifferences.Check(function, inputs);
    }

    [Fact]
    public void Gradients_of_linear_layers_are_those_of_finite_differences()
    {
        using var module = Linear(3, 2, dtype: float64);

        FiniteDifferences.Check(x => module.call(x[0]), Some(4, 3), module.weight, module.bias!);
    }

    [Theory]
    [InlineData(int32)]
    [InlineData(int64)]
    public void Gradients_of_embeddings_add_up_over_repeated_ids(ScalarType type)
    {
        using var module = Embedding(4, 3, padding_idx: 0, dtype: float64);
        var ids = tensor(new[] { 1, 3, 1, 2 }, [2, 2], type);

        FiniteDifferences.Check(x => module.call(ids), module.weight);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gradients_of_batch_norm_are_those_of_finite_differences(bool training)
    {
        using var module = BatchNorm1d(3, dtype: float64);
        module.train(training);

        FiniteDifferences.Check(x => module.call(x[0]), Some(4, 3), module.weight!, module.bias!);
    }

    [Fact]
    public void Gradients_of_a_whole_tower_are_those_of_finite_differences()
    {
        using var tower = Sequential(Linear(3, 4, dtype: float64), Tanh(), Dropout(0), Linear(4, 2, dtype: float64), Sigmoid());

        FiniteDifferences.Check(x => tower.call(x[0]), [Some(4, 3), .. tower.parameters()]);
    }

    private Tensor Some(params long[] shape) => randn(shape, float64, generator: generator);

    private Tensor Positive(params long[] shape) => rand(shape, float64, generator: generator) + 0.5;
}
