using Shouldly;
using TorchSharp;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Torch;

/// <summary>Compares gradients with central differences, in double precision.</summary>
internal static class FiniteDifferences
{
    private const double Step = 1e-5;
    private const double Tolerance = 1e-6;

    /// <summary>The function's sum, weighted so that no two elements of the result count alike, must have the gradients that backward gives.</summary>
    public static void Check(Func<Tensor[], Tensor> function, params Tensor[] inputs)
    {
        foreach (var input in inputs.Where(i => i.dtype == ScalarType.Float64 && i.is_leaf))
            input.requires_grad = true;
        Number(function, inputs).backward();

        foreach (var input in inputs.Where(i => i.requires_grad))
        {
            var gradient = input.grad.ShouldNotBeNull().contiguous().data<double>();
            for (long i = 0; i < input.NumberOfElements; i++)
            {
                double expected = (Moved(function, inputs, input, i, Step) - Moved(function, inputs, input, i, -Step)) / (2 * Step);
                gradient[i].ShouldBe(expected, Tolerance * Math.Max(1, Math.Abs(expected)), $"element {i} of {input}");
            }
        }
    }

    private static double Moved(Func<Tensor[], Tensor> function, Tensor[] inputs, Tensor input, long element, double by)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var numbers = input.data<double>();
        double before = numbers[element];
        numbers[element] = before + by;
        double result = Number(function, inputs).item<double>();
        numbers[element] = before;
        return result;
    }

    private static Tensor Number(Func<Tensor[], Tensor> function, Tensor[] inputs)
    {
        var result = function(inputs);
        var weights = arange(1, result.NumberOfElements + 1, ScalarType.Float64).mul(0.37).add(0.5).reshape(result.shape);
        return (result * weights).sum();
    }
}
