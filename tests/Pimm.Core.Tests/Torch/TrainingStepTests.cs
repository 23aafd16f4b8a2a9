using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

public class TrainingStepTests
{
    [Fact]
    public void A_network_learns_exclusive_or()
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var network = Sequential(Linear(2, 16), ReLU(), Linear(16, 1));
        using var optimizer = optim.Adam(network.parameters(), lr: 0.02);
        var inputs = tensor(new float[] { 0, 0, 0, 1, 1, 0, 1, 1 }, [4, 2]);
        var wanted = tensor(new float[] { 0, 1, 1, 0 }, [4, 1]);
        float last = 0;

        for (int step = 0; step < 400; step++)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            var loss = functional.binary_cross_entropy_with_logits(network.call(inputs), wanted);
            loss.backward();
            optimizer.step();
            last = loss.item<float>();
        }

        last.ShouldBeLessThan(0.05f);
    }

    [Fact]
    public void A_refused_operation_names_the_operator_and_the_shapes()
    {
        using var scope = NewDisposeScope();

        var failure = Should.Throw<TorchException>(() => zeros(2, 3).matmul(zeros(4, 5)));

        failure.Message.ShouldBe("matmul(float[2,3], float[4,5]): mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)");
    }
}
