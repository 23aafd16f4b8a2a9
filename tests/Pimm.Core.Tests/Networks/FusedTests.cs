using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

/// <summary>Single precision on the CPU goes through the fused functions, double precision through the operators: both draw the same masks.</summary>
[Collection(TorchCollection.Name)]
public class FusedTests
{
    private const int Rows = 1500;      // several blocks, the last one smaller

    [Theory]
    [InlineData(1, 3, new[] { 5, 2 })]
    [InlineData(1, 2, new[] { 128, 64, 32 })]
    [InlineData(2, 2, new[] { 20, 7, 4 })]
    [InlineData(3, 1, new[] { 8, 8 })]
    [InlineData(1, 1, new[] { 9 })]
    [InlineData(1, 4, new[] { 6 })]
    [InlineData(2, 3, new[] { 6 })]
    public void Towers_and_their_gradients_equal_those_of_the_operators(int inputs, int each, int[] widths)
    {
        using var scope = NewDisposeScope();
        using var towers = new TowerBank(inputs, each, 11, widths, [.. widths.Select((_, layer) => 0.1 * (layer + 1))]);
        var input = Numbers(inputs == 1 ? [Rows, 11] : [inputs, Rows, 11]);

        Compare(towers, [input], given => towers.call(given[0]));
        towers.eval();
        Compare(towers, [input], given => towers.call(given[0]));
    }

    [Theory]
    [InlineData(2, 32, false, true)]
    [InlineData(3, 20, false, true)]
    [InlineData(4, 7, true, true)]
    [InlineData(3, 16, false, false)]
    [InlineData(1, 5, false, false)]
    public void The_premise_chain_and_its_gradients_equal_those_of_the_operators(int tasks, int width, bool shared, bool shows)
    {
        using var scope = NewDisposeScope();
        using var chain = new PremiseChain(tasks, width, new PimmOptions { SharedAttention = shared });
        var labels = (Numbers([Rows, tasks]) > 0).to(ScalarType.Float64);
        var shown = (Numbers([Rows, tasks - 1]) > 0).to(ScalarType.Float64);

        Compare(chain, [Numbers([tasks, Rows, width])], given =>
            chain.call(given[0], shows ? new Premise(labels.to(given[0].dtype), shown.to(given[0].dtype)) : null));
    }

    [Theory]
    [InlineData(300)]
    [InlineData(Rows)]
    public void Towers_and_gradients_have_the_same_bits_with_any_number_of_threads_and_towers_without_gradients_too(int rows)
    {
        using var scope = NewDisposeScope();
        var before = get_num_threads();
        using var towers = new TowerBank(2, 11, [32, 16], [0.2, 0.2]);
        var input = Numbers([rows, 11]).to(ScalarType.Float32);
        try
        {
            var answers = new[] { 1, 2, 3 }.Select(threads =>
            {
                set_num_threads(threads);
                return Recorded();
            }).ToList();

            answers.ShouldAllBe(answer => answer.SequenceEqual(answers[0]));
            Unrecorded().ShouldBe(answers[0][..(2 * rows * 16)]);
        }
        finally
        {
            set_num_threads(before);
        }

        Tensor Answer()
        {
            manual_seed(3);
            return towers.call(input);
        }

        float[] Recorded()
        {
            var answer = Answer();
            answer.square().sum().backward();
            var gradients = towers.parameters().SelectMany(parameter => parameter.grad!.contiguous().data<float>().ToArray()).ToArray();
            towers.zero_grad();
            return [.. answer.detach().data<float>().ToArray(), .. gradients];
        }

        float[] Unrecorded()
        {
            using var quiet = no_grad();
            return Answer().data<float>().ToArray();
        }
    }

    [Fact]
    public void What_is_no_number_is_noticed_behind_the_chain()
    {
        using var scope = NewDisposeScope();
        using var chain = new PremiseChain(2, 4, new PimmOptions());
        var own = full([2, 3, 4], float.NaN);

        chain.call(own, null).data<float>().ToArray().ShouldAllBe(logit => float.IsNaN(logit));
    }

    private static Tensor Numbers(long[] size)
    {
        manual_seed(size.Length + size.Sum());
        return randn(size, ScalarType.Float64);
    }

    private static void Compare(nn.Module module, Tensor[] inputs, Func<Tensor[], Tensor> run)
    {
        var start = module.named_parameters().ToDictionary(pair => pair.name, pair => Numbers(pair.parameter.shape) * 0.3);
        var (single, double_) = (Run(ScalarType.Float32), Run(ScalarType.Float64));

        foreach (var (name, wanted) in double_)
        {
            single[name].ShouldBe(wanted, 2e-4 * Math.Max(1, wanted.Max(Math.Abs)), name);
        }

        Dictionary<string, double[]> Run(ScalarType type)
        {
            module.to(type);
            foreach (var (name, parameter) in module.named_parameters())
            {
                using var quiet = no_grad();
                parameter.copy_(start[name]);
                parameter.grad = null;
            }

            var given = inputs.Select(input => input.to(type).detach().clone().requires_grad_()).ToArray();
            manual_seed(7);
            var answer = run(given);
            var weights = Numbers(answer.shape).to(type);
            (answer * weights).sum().backward();
            var found = module.named_parameters().ToDictionary(pair => pair.name, pair => Plain(pair.parameter.grad!));
            found.Add("answer", Plain(answer));
            found.Add("input", Plain(given[0].grad!));
            return found;
        }
    }

    private static double[] Plain(Tensor tensor) => tensor.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();
}
