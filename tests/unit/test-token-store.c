/*
 * Unit tests of the token store: every rule of token-store.h by name, a model
 * test with random operations (the seed is printed; VSCSI_SEED repeats a run),
 * and a test with threads.  Time is a number that the tests set.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "token-store-fixture.h"

/* ------------------------------------------------------------------- issue */

START_TEST(a_token_says_what_the_standard_wants)
{
    uint8_t token[512], instance[VSCSI_TOKEN_INSTANCE_LEN];
    VscsiRodToken out;
    VscsiSense err;

    add(LUN_A, token);
    ck_assert(vscsi_rod_token_decode(token, &out, &err));
    ck_assert_uint_eq(lduw_be_p(token + 6), 0x1f8);
    ck_assert_uint_eq(out.type, VSCSI_ROD_PIT_VULNERABLE);
    ck_assert_uint_eq(out.bytes, 1 << 20);
    ck_assert_uint_eq(out.bytes_high, 0);
    ck_assert_uint_eq(out.block_length, 512);
    ck_assert(out.lbpme && !out.lbprz);
    ck_assert(vscsi_designator_equal(&out.creator.designator,
                                     &body.creator.designator));
    ck_assert(vscsi_designator_equal(&out.target, &body.target));
    vscsi_token_store_instance(store, instance);
    ck_assert_mem_eq(token + INSTANCE_AT, instance, sizeof(instance));
}
END_TEST

START_TEST(two_tokens_of_the_same_data_differ_in_their_secret)
{
    uint8_t a[512], b[512];

    add(LUN_A, a);
    add(LUN_A, b);
    ck_assert_mem_ne(a + 8, b + 8, 8);
    for (int i = INSTANCE_AT + VSCSI_TOKEN_INSTANCE_LEN; i < 512; i += 16) {
        ck_assert_mem_ne(a + i, b + i, 16);
    }
}
END_TEST

START_TEST(fifty_thousand_identifiers_do_not_repeat_nor_count_up)
{
    GHashTable *seen = g_hash_table_new_full(g_int64_hash, g_int64_equal,
                                             g_free, NULL);
    unsigned ascending = 0;
    uint64_t previous = 0;

    for (unsigned i = 0; i < 50000; i++) {
        uint8_t token[512];
        uint64_t id;

        nr_payloads = 0;
        add(LUN_A, token);
        id = vscsi_rod_token_id(token);
        ck_assert(g_hash_table_add(seen, g_memdup2(&id, sizeof(id))));
        ck_assert_uint_ne(id, previous + 1);
        ascending += id > previous;
        previous = id;
        vscsi_token_store_end_id(store, id, VSCSI_TOKEN_UNKNOWN);
    }
    ck_assert_uint_gt(ascending, 24000);
    ck_assert_uint_lt(ascending, 26000);
    nr_payloads = 0;
    g_hash_table_unref(seen);
}
END_TEST

START_TEST(the_limit_of_a_lun_is_its_own)
{
    uint8_t token[512];

    for (int i = 0; i < 5; i++) {
        add(LUN_A, token);
    }
    ck_assert_int_eq(try_add(LUN_A, 1, token), VSCSI_TOKEN_ADD_LUN_LIMIT);
    ck_assert_uint_eq(get_stats().refused_lun_limit, 1);
    add(LUN_B, token);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_CANCELLED);
    add(LUN_A, token);
}
END_TEST

START_TEST(the_limit_of_the_vm_counts_all_luns)
{
    uint8_t token[512];

    for (int i = 0; i < 8; i++) {
        add(i < 4 ? LUN_A : LUN_B, token);
    }
    ck_assert_int_eq(try_add(LUN_A, 1, token), VSCSI_TOKEN_ADD_VM_LIMIT);
    ck_assert_uint_eq(get_stats().refused_vm_limit, 1);
    vscsi_token_store_set_max_tokens(store, 9);
    add(LUN_A, token);
    vscsi_token_store_set_max_tokens(store, 1);
    expect(token, VSCSI_TOKEN_LIVE);
    ck_assert_int_eq(try_add(LUN_B, 1, token), VSCSI_TOKEN_ADD_VM_LIMIT);
}
END_TEST

START_TEST(an_expired_token_makes_room_though_no_timer_ran)
{
    uint8_t token[512];

    for (int i = 0; i < 5; i++) {
        add(LUN_A, token);
    }
    env.now_ms += TIMEOUT_MS;
    add(LUN_A, token);
    ck_assert_uint_eq(get_stats().live, 1);
}
END_TEST

START_TEST(without_random_bytes_there_is_no_token_and_no_store)
{
    uint8_t token[512] = { 0x77 };

    env.random_fails = true;
    ck_assert_int_eq(try_add(LUN_A, 1, token), VSCSI_TOKEN_ADD_NO_RANDOM);
    ck_assert_uint_eq(token[0], 0x77);
    ck_assert_uint_eq(env.released, 0);
    ck_assert_uint_eq(get_stats().refused_no_random, 1);
    ck_assert_ptr_null(new_store(1, 1));
    env.random_fails = false;
    add(LUN_A, token);
}
END_TEST

/* ----------------------------------------------------------------- checking */

START_TEST(the_zero_token_is_found_by_type_and_length_alone)
{
    uint8_t token[512];

    vscsi_rod_token_encode_zero(token);
    expect(token, VSCSI_TOKEN_ZERO);
    memset(token + 8, 0x5a, 504);
    expect(token, VSCSI_TOKEN_ZERO);
    ck_assert_uint_eq(get_stats().zero, 2);
    stw_be_p(token + 6, 0x1f7);
    expect(token, VSCSI_TOKEN_BAD_LENGTH);
}
END_TEST

START_TEST(every_changed_byte_of_a_token_is_noticed)
{
    uint8_t token[512], changed[512];

    add(LUN_A, token);
    for (int i = 0; i < 512; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(changed, token, 512);
            changed[i] ^= 1 << bit;
            expect(changed, i == 6 || i == 7 ? VSCSI_TOKEN_BAD_LENGTH
                                             : VSCSI_TOKEN_CORRUPT);
        }
    }
    expect(token, VSCSI_TOKEN_LIVE);
    ck_assert_uint_eq(get_stats().rejected[VSCSI_TOKEN_CORRUPT], 510 * 8);
    ck_assert_uint_eq(get_stats().rejected[VSCSI_TOKEN_BAD_LENGTH], 16);
}
END_TEST

START_TEST(the_length_is_checked_before_all_else)
{
    uint8_t token[512];

    memset(token, 0xee, sizeof(token));
    expect(token, VSCSI_TOKEN_BAD_LENGTH);
    add(LUN_A, token);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_REVOKED);
    token[7] = 0;
    expect(token, VSCSI_TOKEN_BAD_LENGTH);
}
END_TEST

START_TEST(the_remaining_checks_come_in_the_order_of_the_standard)
{
    uint8_t token[512], changed[512];

    add(LUN_A, token);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_REVOKED);
    /* corrupt comes before a bad type and before the cause */
    memcpy(changed, token, 512);
    stl_be_p(changed, VSCSI_ROD_ACCESS_UPON_REFERENCE);
    expect(changed, VSCSI_TOKEN_CORRUPT);
    /* a bad type before foreign */
    changed[8] ^= 1;
    changed[INSTANCE_AT] ^= 1;
    expect(changed, VSCSI_TOKEN_UNSUPPORTED_TYPE);
    stl_be_p(changed, VSCSI_ROD_PIT_ANY);
    expect(changed, VSCSI_TOKEN_UNSUPPORTED_TYPE);
    stl_be_p(changed, VSCSI_ROD_PIT_PERSISTENT);
    expect(changed, VSCSI_TOKEN_FOREIGN);
    expect(token, VSCSI_TOKEN_REVOKED);
    /* a bad type before unknown */
    vscsi_token_store_forget_all(store);
    expect(token, VSCSI_TOKEN_UNKNOWN);
    stl_be_p(token, VSCSI_ROD_INTERNAL);
    expect(token, VSCSI_TOKEN_UNSUPPORTED_TYPE);
}
END_TEST

START_TEST(a_token_of_another_store_is_foreign_until_it_is_adopted)
{
    uint8_t token[512], id[VSCSI_TOKEN_INSTANCE_LEN];

    add(LUN_A, token);
    vscsi_token_store_instance(store, id);
    restart(8, 4);
    env.random_state = 77;
    vscsi_token_store_free(store);
    store = new_store(8, 4);
    expect(token, VSCSI_TOKEN_FOREIGN);
    vscsi_token_store_adopt_instance(store, id);
    expect(token, VSCSI_TOKEN_UNKNOWN);
}
END_TEST

START_TEST(the_oldest_adopted_instance_gives_way)
{
    uint8_t ids[VSCSI_TOKEN_MAX_FORMER_INSTANCES][VSCSI_TOKEN_INSTANCE_LEN];
    uint8_t id[VSCSI_TOKEN_INSTANCE_LEN];

    vscsi_token_store_instance(store, id);
    vscsi_token_store_adopt_instance(store, id);
    ck_assert_uint_eq(vscsi_token_store_former_instances(store, ids), 0);
    for (int i = 0; i <= VSCSI_TOKEN_MAX_FORMER_INSTANCES; i++) {
        memset(id, i, sizeof(id));
        vscsi_token_store_adopt_instance(store, id);
        vscsi_token_store_adopt_instance(store, id);
    }
    ck_assert_uint_eq(vscsi_token_store_former_instances(store, ids),
                      VSCSI_TOKEN_MAX_FORMER_INSTANCES);
    for (int i = 0; i < VSCSI_TOKEN_MAX_FORMER_INSTANCES; i++) {
        ck_assert_uint_eq(ids[i][0], i + 1);
    }
}
END_TEST

START_TEST(each_status_has_its_sense)
{
    static const uint8_t ascq[] = {
        [VSCSI_TOKEN_BAD_LENGTH] = 0x0a, [VSCSI_TOKEN_CORRUPT] = 0x05,
        [VSCSI_TOKEN_UNSUPPORTED_TYPE] = 0x01, [VSCSI_TOKEN_FOREIGN] = 0x02,
        [VSCSI_TOKEN_EXPIRED] = 0x07, [VSCSI_TOKEN_CANCELLED] = 0x08,
        [VSCSI_TOKEN_REVOKED] = 0x06, [VSCSI_TOKEN_DELETED] = 0x09,
        [VSCSI_TOKEN_UNKNOWN] = 0x04,
    };

    for (int i = VSCSI_TOKEN_BAD_LENGTH; i < VSCSI_TOKEN_STATUS__MAX; i++) {
        VscsiSense sense = vscsi_token_status_sense(i);

        ck_assert_uint_eq(sense.key, VSCSI_KEY_ILLEGAL_REQUEST);
        ck_assert_uint_eq(sense.asc, 0x23);
        ck_assert_uint_eq(sense.ascq, ascq[i]);
    }
}
END_TEST

/* --------------------------------------------------------------------- time */

START_TEST(a_token_expires_when_idle_for_its_timeout)
{
    uint8_t token[512];

    ck_assert_int_eq(vscsi_token_store_next_deadline(store), INT64_MAX);
    add(LUN_A, token);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store),
                     env.now_ms + TIMEOUT_MS);
    env.now_ms += TIMEOUT_MS - 1;
    vscsi_token_store_expire(store);
    ck_assert_uint_eq(env.released, 0);
    env.now_ms++;
    vscsi_token_store_expire(store);
    ck_assert_uint_eq(env.released, 1);
    ck_assert_int_eq(env.ended_cause, VSCSI_TOKEN_EXPIRED);
    expect(token, VSCSI_TOKEN_EXPIRED);
    ck_assert_uint_eq(get_stats().ended[VSCSI_TOKEN_EXPIRED], 1);
}
END_TEST

START_TEST(timeout_zero_means_the_default)
{
    uint8_t token[512];

    ck_assert_int_eq(try_add(LUN_A, 0, token), VSCSI_TOKEN_ADD_OK);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store),
                     env.now_ms + DEFAULT_S * 1000);
}
END_TEST

START_TEST(the_longest_timeout_does_not_overflow)
{
    uint8_t token[512];

    ck_assert_int_eq(try_add(LUN_A, UINT32_MAX, token), VSCSI_TOKEN_ADD_OK);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store),
                     env.now_ms + UINT32_MAX * 1000ll);
}
END_TEST

START_TEST(a_token_in_use_does_not_expire)
{
    uint8_t token[512];
    VscsiTokenUse *use;

    add(LUN_A, token);
    use = hold(token);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store), INT64_MAX);
    env.now_ms += 10 * TIMEOUT_MS;
    vscsi_token_store_expire(store);
    ck_assert_int_eq(vscsi_token_use_status(use), VSCSI_TOKEN_LIVE);
    vscsi_token_use_end(use);
    expect(token, VSCSI_TOKEN_LIVE);
}
END_TEST

START_TEST(the_end_of_the_last_use_restarts_the_timer)
{
    uint8_t token[512];
    VscsiTokenUse *first, *second;

    add(LUN_A, token);
    env.now_ms += TIMEOUT_MS - 1;
    first = hold(token);
    second = hold(token);
    env.now_ms += 5;
    vscsi_token_use_end(first);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store), INT64_MAX);
    env.now_ms += 5;
    vscsi_token_use_end(second);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store),
                     env.now_ms + TIMEOUT_MS);
}
END_TEST

START_TEST(a_rejected_use_does_not_restart_the_timer)
{
    uint8_t token[512], changed[512];

    add(LUN_A, token);
    memcpy(changed, token, 512);
    changed[511] ^= 1;
    env.now_ms += TIMEOUT_MS - 1;
    expect(changed, VSCSI_TOKEN_CORRUPT);
    env.now_ms++;
    expect(token, VSCSI_TOKEN_EXPIRED);
}
END_TEST

START_TEST(a_clock_read_late_does_not_turn_time_back)
{
    uint8_t a[512], b[512];
    VscsiTokenInfo *list;
    unsigned count;

    add(LUN_A, a);
    env.now_ms += 1000;
    add(LUN_A, b);
    env.now_ms -= 500;
    list = vscsi_token_store_list(store, NULL, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(list[0].age_ms, 1000);
    ck_assert_int_eq(list[1].age_ms, 0);
    g_free(list);
}
END_TEST

START_TEST(a_clock_set_back_leaves_the_rest_of_the_time)
{
    uint8_t live[512], ended[512];

    add(LUN_B, ended);
    vscsi_token_store_end_lun(store, LUN_B, VSCSI_TOKEN_REVOKED);
    env.now_ms += 1;
    add(LUN_A, live);
    env.now_ms += 1;
    vscsi_token_store_expire(store);
    env.now_ms -= 500000;
    ck_assert_int_eq(vscsi_token_store_next_deadline(store),
                     env.now_ms + TIMEOUT_MS - 2);
    env.now_ms += TIMEOUT_MS - 3;
    expect(ended, VSCSI_TOKEN_REVOKED);
    env.now_ms++;
    expect(ended, VSCSI_TOKEN_UNKNOWN);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store), env.now_ms + 1);
    env.now_ms++;
    expect(live, VSCSI_TOKEN_EXPIRED);
}
END_TEST

/* ---------------------------------------------------------------------- end */

START_TEST(the_cause_of_an_end_is_remembered_and_the_first_one_stays)
{
    static const VscsiTokenStatus causes[] = {
        VSCSI_TOKEN_CANCELLED, VSCSI_TOKEN_REVOKED, VSCSI_TOKEN_DELETED,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(causes); i++) {
        uint8_t token[512];
        unsigned n = add(LUN_A, token);
        uint64_t id = vscsi_rod_token_id(token);

        ck_assert(vscsi_token_store_end_payload(store, &payloads[n],
                                                causes[i]));
        ck_assert_uint_eq(payloads[n].released, 1);
        ck_assert_int_eq(env.ended_cause, causes[i]);
        ck_assert_uint_eq(env.ended_info.id, id);
        ck_assert_uint_eq(env.ended, i + 1);
        ck_assert(!vscsi_token_store_end_payload(store, &payloads[n],
                                                 VSCSI_TOKEN_REVOKED));
        ck_assert(!vscsi_token_store_end_id(store, id, VSCSI_TOKEN_UNKNOWN));
        expect(token, causes[i]);
        ck_assert_uint_eq(get_stats().ended[causes[i]], 1);
        ck_assert_uint_eq(get_stats().rejected[causes[i]], 1);
    }
    ck_assert(!vscsi_token_store_end_payload(store, &env,
                                             VSCSI_TOKEN_REVOKED));
    ck_assert(!vscsi_token_store_end_id(store, 12345, VSCSI_TOKEN_REVOKED));
}
END_TEST

START_TEST(a_cause_is_remembered_for_one_more_lifetime)
{
    uint8_t token[512];

    add(LUN_A, token);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_REVOKED);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store),
                     env.now_ms + TIMEOUT_MS);
    env.now_ms += TIMEOUT_MS - 1;
    expect(token, VSCSI_TOKEN_REVOKED);
    env.now_ms++;
    expect(token, VSCSI_TOKEN_UNKNOWN);
    ck_assert_uint_eq(get_stats().remembered, 0);
}
END_TEST

START_TEST(the_oldest_cause_is_forgotten_when_there_are_too_many)
{
    uint8_t token[5][512];

    for (int i = 0; i < 5; i++) {
        unsigned n = add(LUN_A, token[i]);

        vscsi_token_store_end_payload(store, &payloads[n],
                                      VSCSI_TOKEN_REVOKED);
    }
    ck_assert_uint_eq(get_stats().remembered, 4);
    expect(token[0], VSCSI_TOKEN_UNKNOWN);
    for (int i = 1; i < 5; i++) {
        expect(token[i], VSCSI_TOKEN_REVOKED);
    }
}
END_TEST

START_TEST(a_store_that_remembers_nothing_says_unknown)
{
    uint8_t token[512];
    VscsiTokenUse *use;

    restart(8, 0);
    add(LUN_A, token);
    use = hold(token);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_REVOKED);
    ck_assert_int_eq(vscsi_token_use_status(use), VSCSI_TOKEN_REVOKED);
    expect(token, VSCSI_TOKEN_UNKNOWN);
    vscsi_token_use_end(use);
}
END_TEST

START_TEST(a_token_ended_in_use_keeps_its_payload_until_the_last_use_ends)
{
    uint8_t token[512];
    VscsiTokenUse *first, *second;
    unsigned n = add(LUN_A, token);

    first = hold(token);
    second = hold(token);
    ck_assert(vscsi_token_store_end_payload(store, &payloads[n],
                                            VSCSI_TOKEN_REVOKED));
    ck_assert_uint_eq(env.ended, 1);
    ck_assert_int_eq(vscsi_token_use_status(first), VSCSI_TOKEN_REVOKED);
    expect(token, VSCSI_TOKEN_REVOKED);
    ck_assert_ptr_eq(vscsi_token_use_payload(second), &payloads[n]);
    vscsi_token_use_end(first);
    ck_assert_uint_eq(env.released, 0);
    /* also when its memory ends before its use does */
    env.now_ms += TIMEOUT_MS;
    expect(token, VSCSI_TOKEN_UNKNOWN);
    ck_assert_int_eq(vscsi_token_use_status(second), VSCSI_TOKEN_REVOKED);
    vscsi_token_use_end(second);
    ck_assert_uint_eq(env.released, 1);
    ck_assert_uint_eq(env.ended, 1);
}
END_TEST

START_TEST(delete_by_a_user_leaves_it_its_hold)
{
    uint8_t token[512];
    VscsiTokenUse *use;

    add(LUN_A, token);
    use = hold(token);
    vscsi_token_use_delete(use);
    vscsi_token_use_delete(use);
    expect(token, VSCSI_TOKEN_DELETED);
    ck_assert_uint_eq(env.released, 0);
    ck_assert_uint_eq(vscsi_token_use_bytes(use), 1 << 20);
    vscsi_token_use_end(use);
    ck_assert_uint_eq(env.released, 1);
    ck_assert_uint_eq(get_stats().ended[VSCSI_TOKEN_DELETED], 1);
}
END_TEST

START_TEST(a_handle_tells_what_the_token_stands_for)
{
    uint8_t token[512];
    unsigned n = add(LUN_B, token);
    VscsiTokenUse *use = hold(token);

    ck_assert_ptr_eq(vscsi_token_use_payload(use), &payloads[n]);
    ck_assert_uint_eq(vscsi_token_use_id(use), vscsi_rod_token_id(token));
    ck_assert_uint_eq(vscsi_token_use_lun_key(use), LUN_B);
    ck_assert_uint_eq(vscsi_token_use_bytes(use), 1 << 20);
    ck_assert_uint_eq(vscsi_token_use_block_length(use), 512);
    ck_assert_uint_eq(vscsi_token_use_rod_type(use),
                      VSCSI_ROD_PIT_VULNERABLE);
    vscsi_token_use_end(use);
}
END_TEST

START_TEST(hot_unplug_ends_the_tokens_of_one_lun)
{
    uint8_t a[512], b[512], a2[512];

    add(LUN_A, a);
    add(LUN_B, b);
    add(LUN_A, a2);
    ck_assert_uint_eq(
        vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_CANCELLED), 2);
    expect(a, VSCSI_TOKEN_CANCELLED);
    expect(a2, VSCSI_TOKEN_CANCELLED);
    expect(b, VSCSI_TOKEN_LIVE);
}
END_TEST

START_TEST(vm_migration_forgets_live_used_and_remembered_tokens)
{
    uint8_t live[512], used[512], ended[512];
    VscsiTokenUse *use;

    add(LUN_A, ended);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_REVOKED);
    add(LUN_A, live);
    add(LUN_A, used);
    use = hold(used);
    ck_assert_uint_eq(vscsi_token_store_forget_all(store), 2);
    expect(live, VSCSI_TOKEN_UNKNOWN);
    expect(used, VSCSI_TOKEN_UNKNOWN);
    expect(ended, VSCSI_TOKEN_UNKNOWN);
    ck_assert_int_eq(vscsi_token_use_status(use), VSCSI_TOKEN_UNKNOWN);
    ck_assert_uint_eq(env.released, 2);
    vscsi_token_use_end(use);
    ck_assert_uint_eq(env.released, 3);
    ck_assert_int_eq(vscsi_token_store_next_deadline(store), INT64_MAX);
}
END_TEST

START_TEST(callbacks_may_use_the_store)
{
    uint8_t token[512];
    VscsiTokenUse *use;

    env.reenter = true;
    add(LUN_A, token);
    use = hold(token);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_CANCELLED);
    vscsi_token_use_end(use);
    add(LUN_A, token);
    env.now_ms += TIMEOUT_MS;
    vscsi_token_store_expire(store);
    ck_assert_uint_eq(env.released, 2);
    env.reenter = false;
}
END_TEST

/* ------------------------------------------------------------------ monitor */

START_TEST(the_list_shows_live_tokens_oldest_first)
{
    uint8_t a[512], b[512], a2[512];
    uint64_t lun_key = LUN_A;
    VscsiTokenInfo *list;
    VscsiTokenUse *use;
    unsigned count = 99;

    ck_assert_ptr_null(vscsi_token_store_list(store, NULL, &count));
    ck_assert_uint_eq(count, 0);
    add(LUN_A, a);
    env.now_ms += 10;
    add(LUN_B, b);
    add(LUN_A, a2);
    env.now_ms += 10;
    use = hold(a2);
    list = vscsi_token_store_list(store, NULL, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_mem_eq(list[0].management, a, 96);
    ck_assert_mem_eq(list[1].management, b, 96);
    ck_assert_mem_eq(list[2].management, a2, 96);
    g_free(list);

    list = vscsi_token_store_list(store, &lun_key, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(list[0].id, vscsi_rod_token_id(a));
    ck_assert_uint_eq(list[0].lun_key, LUN_A);
    ck_assert_uint_eq(list[0].rod_type, VSCSI_ROD_PIT_VULNERABLE);
    ck_assert_uint_eq(list[0].bytes, 1 << 20);
    ck_assert_uint_eq(list[0].block_length, 512);
    ck_assert_uint_eq(list[0].timeout_s, TIMEOUT_S);
    ck_assert_int_eq(list[0].age_ms, 20);
    ck_assert_int_eq(list[0].idle_left_ms, TIMEOUT_MS - 20);
    ck_assert_uint_eq(list[0].uses, 0);
    ck_assert_int_eq(list[1].age_ms, 10);
    ck_assert_int_eq(list[1].idle_left_ms, -1);
    ck_assert_uint_eq(list[1].uses, 1);
    ck_assert_uint_eq(list[1].total_uses, 1);
    g_free(list);
    vscsi_token_use_end(use);

    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_REVOKED);
    ck_assert_ptr_null(vscsi_token_store_list(store, &lun_key, &count));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(statistics_count_what_happened)
{
    uint8_t token[512];
    VscsiTokenStats stats;

    add(LUN_A, token);
    add(LUN_B, token);
    expect(token, VSCSI_TOKEN_LIVE);
    stats = get_stats();
    ck_assert_uint_eq(stats.created, 2);
    ck_assert_uint_eq(stats.uses, 1);
    ck_assert_uint_eq(stats.live, 2);
    ck_assert_uint_eq(stats.live_bytes, 2 << 20);
    vscsi_token_store_end_lun(store, LUN_A, VSCSI_TOKEN_CANCELLED);
    stats = get_stats();
    ck_assert_uint_eq(stats.live, 1);
    ck_assert_uint_eq(stats.remembered, 1);
    ck_assert_uint_eq(stats.live_bytes, 1 << 20);
}
END_TEST

#include "token-store-random.c.inc"
#include "token-store-threads.c.inc"

int main(void)
{
    const TTest *const tests[] = {
        a_token_says_what_the_standard_wants,
        two_tokens_of_the_same_data_differ_in_their_secret,
        fifty_thousand_identifiers_do_not_repeat_nor_count_up,
        the_limit_of_a_lun_is_its_own,
        the_limit_of_the_vm_counts_all_luns,
        an_expired_token_makes_room_though_no_timer_ran,
        without_random_bytes_there_is_no_token_and_no_store,
        the_zero_token_is_found_by_type_and_length_alone,
        every_changed_byte_of_a_token_is_noticed,
        the_length_is_checked_before_all_else,
        the_remaining_checks_come_in_the_order_of_the_standard,
        a_token_of_another_store_is_foreign_until_it_is_adopted,
        the_oldest_adopted_instance_gives_way,
        each_status_has_its_sense,
        a_token_expires_when_idle_for_its_timeout,
        timeout_zero_means_the_default,
        the_longest_timeout_does_not_overflow,
        a_token_in_use_does_not_expire,
        the_end_of_the_last_use_restarts_the_timer,
        a_rejected_use_does_not_restart_the_timer,
        a_clock_read_late_does_not_turn_time_back,
        a_clock_set_back_leaves_the_rest_of_the_time,
        the_cause_of_an_end_is_remembered_and_the_first_one_stays,
        a_cause_is_remembered_for_one_more_lifetime,
        the_oldest_cause_is_forgotten_when_there_are_too_many,
        a_store_that_remembers_nothing_says_unknown,
        a_token_ended_in_use_keeps_its_payload_until_the_last_use_ends,
        delete_by_a_user_leaves_it_its_hold,
        a_handle_tells_what_the_token_stands_for,
        hot_unplug_ends_the_tokens_of_one_lun,
        vm_migration_forgets_live_used_and_remembered_tokens,
        callbacks_may_use_the_store,
        the_list_shows_live_tokens_oldest_first,
        statistics_count_what_happened,
        random_operations_agree_with_a_naive_model,
        threads_share_the_store,
    };
    Suite *suite = suite_create("token-store");
    TCase *tcase = unit_case(suite, "token-store");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    return unit_run(suite);
}
