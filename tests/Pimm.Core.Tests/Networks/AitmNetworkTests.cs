using Pimm.Core.Networks;
using Pimm.Core.Tests.Torch;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Networks;

[Collection(TorchCollection.Name)]
public class AitmNetworkTests
{
    // The embeddings are counted, not made: 1,283,090 ids of width 5.
    [Fact]
    public void Has_6_463_612_parameters_on_Ali_CCP()
    {
        using var network = new AitmNetwork(new([.. Enumerable.Repeat(1, 18)], 2), new() { Embedding = 5 });

        (1_283_090 * 5 + network.ParameterCount - 5 * 18).ShouldBe(6_463_612);
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 3)]
    public void Shares_one_attention_over_all_transfers_unless_told_otherwise(bool shared, int sets)
    {
        using var network = new AitmNetwork(new([3, 4], 4), new() { SharedAttention = shared });

        network.Attention.Count.ShouldBe(sets);
    }

    [Fact]
    public void A_later_state_is_the_attention_over_its_own_tower_and_what_is_handed_over()
    {
        using var scope = NewDisposeScope();
        manual_seed(8);
        using var chain = new TransferChain(3, 1, 4, 0, sharedAttention: true);
        var attention = (AttentiveTransfer)chain.named_children().Single(child => child.name == "attention0").module;
        var state = chain.state_dict();
        var own = randn([3, 5, 4]);

        var states = chain.call(own);

        for (var task = 1; task < 3; task++)
        {
            var handed = (matmul(states.select(0, task - 1), state[$"transfer{task - 1}.weight0"]) + state[$"transfer{task - 1}.bias0"]).relu();
            Numbers(states.select(0, task)).ShouldBe(Numbers(attention.call(own.select(0, task), handed)), 1e-6);
        }

        Numbers(states.select(0, 0)).ShouldBe(Numbers(own.select(0, 0)));
    }

    // A_{t,i} belongs to one lane; the attention is the lanes' in common.
    [Fact]
    public void Lanes_do_not_see_each_other()
    {
        using var scope = NewDisposeScope();
        manual_seed(8);
        using var chain = new TransferChain(2, 2, 4, 0, sharedAttention: false, residual: true);
        var own = randn([4, 5, 4]);
        var before = chain.call(own);
        var changed = own.clone();
        changed.select(0, 0).add_(1);

        var after = chain.call(changed);

        Numbers(after.select(0, 3)).ShouldBe(Numbers(before.select(0, 3)));
        Numbers(after.select(0, 2)).ShouldNotBe(Numbers(before.select(0, 2)));
    }

    [Fact]
    public void Nothing_is_cut_so_that_a_later_loss_reaches_the_earlier_tower_but_not_its_head()
    {
        using var scope = NewDisposeScope();
        manual_seed(8);
        using var network = new AitmNetwork(new([3, 4], 3), new() { Embedding = 2, Towers = [6, 4], Dropout = [0, 0], TransferDropout = 0 });

        network.call(tensor(new long[] { 0, 1, 2, 3, 1, 2 }, [3, 2]), null).narrow(1, 2, 1).sum().backward();

        var gradients = network.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!);
        Numbers(gradients["towers.weight1"].select(0, 0)).ShouldContain(value => value != 0);
        Numbers(gradients["heads.weight"].narrow(0, 0, 2)).ShouldAllBe(value => value == 0);
        Numbers(gradients["heads.bias"]).ShouldBe([0, 0, 3]);
    }

    private static float[] Numbers(Tensor values) => values.contiguous().data<float>().ToArray();
}
